using System.Reflection;
using System.Runtime.CompilerServices;

namespace Granary.Tests.Architecture;

/// <summary>Names of types as C# writes them, with their nullability.</summary>
internal static class ApiNames
{
    private static readonly Dictionary<Type, string> _keywords = new()
    {
        [typeof(void)] = "void",
        [typeof(object)] = "object",
        [typeof(string)] = "string",
        [typeof(bool)] = "bool",
        [typeof(byte)] = "byte",
        [typeof(int)] = "int",
        [typeof(long)] = "long",
        [typeof(float)] = "float",
        [typeof(double)] = "double",
        [typeof(decimal)] = "decimal",
    };

    public static string Of(ParameterInfo parameter) => (parameter.IsOut ? "out " : "") + Of(parameter.ParameterType, new NullabilityInfoContext().Create(parameter));

    public static string Of(PropertyInfo property) => Of(property.PropertyType, new NullabilityInfoContext().Create(property));

    public static string Of(FieldInfo field) => Of(field.FieldType, new NullabilityInfoContext().Create(field));

    public static string Of(Type type, NullabilityInfo? nullability = null)
    {
        if (type.IsByRef)
            return Of(type.GetElementType()!, nullability);

        // Whether a type parameter was written with a mark can't be told from outside.
        if (type.IsGenericParameter)
            return type.Name;
        if (Nullable.GetUnderlyingType(type) is { } underlying)
            return Of(underlying, nullability?.GenericTypeArguments.FirstOrDefault() ?? nullability) + "?";
        var mark = !type.IsValueType && (nullability?.ReadState ?? nullability?.WriteState) == NullabilityState.Nullable ? "?" : "";
        if (type.IsArray)
            return $"{Of(type.GetElementType()!, nullability?.ElementType)}[]{mark}";
        if (_keywords.TryGetValue(type, out var keyword))
            return keyword + mark;
        if (!type.IsGenericType)
            return (type.IsNested ? Of(type.DeclaringType!) + "." : "") + type.Name + mark;
        var arguments = string.Join(", ", type.GetGenericArguments().Select((a, i) => Variance(a) + Of(a, nullability?.GenericTypeArguments.ElementAtOrDefault(i))));
        return type.IsAssignableTo(typeof(ITuple)) && type.IsValueType ? $"({arguments})" : $"{type.Name.Split('`')[0]}<{arguments}>{mark}";
    }

    private static string Variance(Type argument) => !argument.IsGenericTypeParameter ? "" : (argument.GenericParameterAttributes & GenericParameterAttributes.VarianceMask) switch
    {
        GenericParameterAttributes.Covariant => "out ",
        GenericParameterAttributes.Contravariant => "in ",
        _ => "",
    };
}
